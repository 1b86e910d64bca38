/**
 * The shell script between this process and every server it starts.
 *
 * Arguments: a folder, then the server's command line. Its standard input is a pipe without data: it ends when this
 * process is gone, even after SIGKILL; the guard then ends the server and removes the folder.
 * The server's process id is in the file `pid-<process id of the guard>` of the folder.
 * SIGTERM to the guard is passed on to the server; the guard exits with the server's status.
 */
export const GUARD_SCRIPT = `
folder=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
echo "$server" >"$folder/pid-$$"
trap '' INT HUP
(
  read -r _ <&3
  touch "$folder/orphaned"
  kill -TERM "$server" 2>/dev/null
  tries=0
  while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$server" 2>/dev/null
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
trap 'kill -TERM "$server" 2>/dev/null' TERM
wait "$server"
status=$?
while kill -0 "$server" 2>/dev/null; do
  wait "$server"
  status=$?
done
if [ -e "$folder/orphaned" ]; then
  # A second try, since another server may still write to a folder inside.
  rm -rf "$folder" 2>/dev/null || { sleep 1; rm -rf "$folder"; }
fi
kill -KILL "$watcher" 2>/dev/null
exit "$status"
`;
