/**
 * A request whose answer nobody waits for any more (its worker died, its connection was cut, it took too long) may still be on its
 * way, or being carried out. What reading back does not find is not there for certain only after so long. Longer ways exist: only
 * a system that knows idempotency keys, or refuses a second record of a key, excludes them (docs/decisions/0001).
 */
export const UNDER_WAY_MS = 9_000;
