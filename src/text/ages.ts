/** Ages as tables show them: `42s`, `3m10s`, `5h`, `12d`. */
export function ageOf(time: Date | string, now = Date.now()): string {
  const seconds = Math.max(0, Math.floor((now - new Date(time).getTime()) / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes}m${seconds % 60}s`;
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}
