/** Numbers, times and spans as the screens show them. Pure; `now` and the zone can be given for tests. */

const thin = "\u202f";

/** 12480 → “12 480” with a narrow no-break space; decimals are kept up to `digits`. */
export function formatNumber(value: number, digits = 0): string {
  const [whole = "0", fraction] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, thin);
  const sign = value < 0 && Number(value.toFixed(digits)) !== 0 ? "−" : "";
  return `${sign}${grouped}${fraction ? `.${fraction}` : ""}`;
}

/** “1 order”, “12 orders”. `many` when adding an s is not enough. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${formatNumber(value)} ${value === 1 ? one : many}`;
}

/** “14:02”, “yesterday 14:02”, “Mon 14:02”, “3 Nov”, and for the last hour “4 min ago”; “in 5 min” when ahead. */
export function relativeTime(iso: string, now: Date = new Date(), timeZone?: string): string {
  const at = new Date(iso);
  const seconds = Math.round((now.getTime() - at.getTime()) / 1000);
  if (Math.abs(seconds) < 10) return "just now";
  const ahead = seconds < 0;
  const distance = Math.abs(seconds);
  const say = (text: string) => (ahead ? `in ${text}` : `${text} ago`);
  if (distance < 60) return say(`${distance} s`);
  if (distance < 3600) return say(`${Math.round(distance / 60)} min`);
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone }).format(at);
  const days = dayNumber(now, timeZone) - dayNumber(at, timeZone);
  if (days === 0) return clock;
  if (days === 1) return `yesterday ${clock}`;
  if (days === -1) return `tomorrow ${clock}`;
  if (Math.abs(days) < 7) {
    return `${new Intl.DateTimeFormat("en-GB", { weekday: "short", timeZone }).format(at)} ${clock}`;
  }
  const sameYear = new Intl.DateTimeFormat("en-GB", { year: "numeric", timeZone });
  const year = sameYear.format(at) === sameYear.format(now) ? undefined : ("numeric" as const);
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year, timeZone }).format(at);
}

/** “23 Nov, 14:02”, with the seconds where they are not zero. */
export function shortTime(iso: string, timeZone?: string): string {
  const at = new Date(iso);
  const second = at.getUTCSeconds() === 0 ? undefined : ("2-digit" as const);
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone }).format(at);
  const time = { hour: "2-digit", minute: "2-digit", second, timeZone } as const;
  return `${day}, ${new Intl.DateTimeFormat("en-GB", time).format(at)}`;
}

/** “23 November 2026, 14:02:07 CET”. */
export function exactTime(iso: string, timeZone?: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long", timeZone }).format(new Date(iso));
}

/** “under 0.1 s”, “0.4 s”, “12 s”, “3 min 20 s”, “2 h 5 min”. */
export function formatSpan(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 0.05) return "under 0.1 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return joinSpan(Math.floor(whole / 60), "min", whole % 60, "s");
  return joinSpan(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
}

function joinSpan(large: number, largeUnit: string, small: number, smallUnit: string) {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Days since 1970 in that zone, to tell today from yesterday. */
function dayNumber(at: Date, timeZone?: string): number {
  const text = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone }).format(at);
  return Math.round(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
}
