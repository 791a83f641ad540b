import { writeOffset } from "../date-format.ts";
import { defineFunction } from "../function.ts";
import { toInstant, writeInstant, zoneOffsetMs } from "../moment.ts";
import { zoneProblem } from "../time-zone.ts";

export const toTimeZone = defineFunction({
  name: "TOTIMEZONE",
  chain: "toTimeZone",
  category: "date",
  summary: "The same moment written with the clock of a time zone and its offset.",
  parameters: [
    { name: "date", type: "date", summary: "date with time" },
    { name: "timeZone", type: "text", summary: 'such as "America/New_York"' },
  ],
  returns: "datetime",
  check: ([, zone]) => zoneProblem(zone, 1),
  examples: [
    { formula: 'TOTIMEZONE("2026-11-23T10:00:00Z", "America/New_York")', output: "2026-11-23T05:00:00.000-05:00" },
    { formula: 'TOTIMEZONE("2026-07-01T10:00:00Z", "Europe/Berlin")', output: "2026-07-01T12:00:00.000+02:00" },
    { formula: 'TOTIMEZONE("2026-11-23T10:00:00Z", "Berlin")', error: "expected a time zone" },
  ],
  apply: ([moment, timeZone], env) => {
    const ms = toInstant(moment, () => env.timeZone);
    const offset = zoneOffsetMs(ms, timeZone);
    return writeInstant(ms + offset).replace("Z", writeOffset(offset));
  },
});
