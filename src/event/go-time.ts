/** A time as Go prints it: `2026-11-22 19:01:00 +0000 UTC`. `iso` is a time of `toISOString`. Pure. */
export function goTime(iso: string): string {
  const [, day = '', time = '', fraction = ''] = /^(.+)T(.+?)(?:\.(\d+))?Z$/.exec(iso) ?? [];
  const digits = fraction.replace(/0+$/, '');
  return `${day} ${time}${digits && `.${digits}`} +0000 UTC`;
}
