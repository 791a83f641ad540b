/** How many requests each process may have under way, where a system takes only so many at once. */

/** `count` requests may be under way until `until`, unless renewed; held or waited for since `since`. */
export type Slots = { count: number; since: number; until: number };
export type SlotsByProcess = { [process: string]: Slots };

const SLOTS_LAST_MS = 15_000;
/** After so long with others waiting, slots go round. */
const SLOTS_TURN_MS = 2_000;

/**
 * Takes, renews or gives back slots for requests at once. Processes that want some share them evenly; where there are
 * more processes than slots, they take turns.
 *
 * @param wanted slots this process could use; 0 gives all back
 * @param busy requests it has under way: these many are never taken from it
 * @returns how many requests it may have under way from now on; less than `busy` when others' turn has come
 */
export function takeSlots(
  before: SlotsByProcess,
  limit: number,
  { process, wanted, busy, now }: { process: string; wanted: number; busy: number; now: number },
): { slots: SlotsByProcess; count: number } {
  const others = Object.entries(before).filter(([name, { until }]) => name !== process && until > now);
  const slots: SlotsByProcess = Object.fromEntries(others);
  if (wanted === 0 && busy === 0) return { slots, count: 0 };
  const mine = before[process];
  const taken = others.reduce((sum, [, { count }]) => sum + count, 0);
  const waits = others.some(([, { count }]) => count === 0);
  const share = Math.max(1, Math.floor(limit / (others.length + 1)));
  const turnOver =
    waits && others.length + 1 > limit && mine !== undefined && mine.count > 0 && now - mine.since > SLOTS_TURN_MS;
  const first = others.every(([, other]) => other.count > 0 || (mine !== undefined && other.since >= mine.since));
  let count = Math.max(busy, Math.min(wanted, share, limit - taken));
  if (turnOver)
    count = busy; // and none of these is used again
  else if ((mine?.count ?? 0) === 0 && waits && !first) count = busy;
  const since = mine && mine.count > 0 === count > 0 ? mine.since : now;
  slots[process] = { count: Math.max(0, count), since, until: now + SLOTS_LAST_MS };
  return { slots, count: turnOver ? 0 : Math.max(0, count) };
}
