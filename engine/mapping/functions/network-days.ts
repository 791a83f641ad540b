import { toMoment } from "../coerce.ts";
import { isoWeekday } from "../date-format.ts";
import { defineFunction } from "../function.ts";
import { dateOfDayNumber, dayNumber, toParts } from "../moment.ts";

export const networkDays = defineFunction({
  name: "NETWORKDAYS",
  chain: null,
  category: "date",
  summary: "Working days from start to end, both counted, without Saturdays, Sundays and the holidays given.",
  parameters: [
    { name: "start", type: "date", summary: "first day" },
    { name: "end", type: "date", summary: "last day" },
    { name: "holidays", type: "list", optional: true, summary: "dates that are not worked" },
  ],
  returns: "integer",
  examples: [
    { formula: 'NETWORKDAYS("2026-11-23", "2026-11-30")', output: 6 },
    { formula: 'NETWORKDAYS("2026-12-24", "2026-12-31", ["2026-12-25"])', output: 5 },
    { formula: 'NETWORKDAYS("2026-12-24", NULL)', error: "found nothing" },
  ],
  apply: ([start, end, holidays = []], env) => {
    const zone = () => env.timeZone;
    const from = dayNumber(toParts(start, zone));
    const to = dayNumber(toParts(end, zone));
    const [first, last] = from <= to ? [from, to] : [to, from];
    const workdays = (until: number) => Math.floor((until + 3) / 7) * 5 + Math.min((((until + 3) % 7) + 7) % 7, 5);
    const off = new Set(holidays.map((day) => dayNumber(toParts(toMoment(day, env, 2), zone))));
    let count = workdays(last + 1) - workdays(first);
    for (const day of off) if (day >= first && day <= last && isoWeekday(dateOfDayNumber(day)) <= 5) count -= 1;
    return from <= to ? count : -count;
  },
});
