/**
 * Learns how fast a system lets us ask, from its 429 answers alone. Until the first one there is no limit; after it the
 * pace grows quickly until the next, then stays just below what was accepted and feels its way up by half a percent a
 * second. A server that says "wait 1 s" while its bucket fills in 0.2 s would otherwise be idle most of the time
 * (measured: 50 requests/s, bucket of 10: 104 s for 1,000 creates without, 25 s with; 21 s is the limit).
 */
export type Pace = {
  /** resolves when the next request may be sent */
  turn(signal?: AbortSignal): Promise<void>;
  accepted(): void;
  limited(): void;
};

const growthPerSecond = { searching: 0.7, settled: 0.005 };

export function createPace(now: () => number = Date.now): Pace {
  let perSecond = Number.POSITIVE_INFINITY;
  let growth = growthPerSecond.searching;
  let nextAt = 0;
  let lastLimit = now();
  let sinceLimit = 0;
  let recent: number[] = [];

  return {
    async turn(signal) {
      if (perSecond === Number.POSITIVE_INFINITY) return;
      const at = Math.max(now(), nextAt);
      nextAt = at + 1000 / perSecond;
      const waitMs = at - now();
      if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs));
      signal?.throwIfAborted();
    },
    accepted() {
      sinceLimit++;
      recent.push(now());
      if (recent.length > 2000) recent = recent.slice(-1000);
      perSecond *= 1 + growth / perSecond; // a second's worth of answers makes it e^growth times as fast
    },
    limited() {
      const at = now();
      const seconds = (at - lastLimit) / 1000;
      if (perSecond === Number.POSITIVE_INFINITY) perSecond = Math.max(1, sinceLimit / Math.max(1, seconds));
      else if (seconds > 0.5) {
        // several requests under way are refused together; that counts once
        growth = growthPerSecond.settled;
        perSecond = Math.max(1, Math.min(perSecond, recent.filter((time) => time > at - 1000).length) * 0.95);
      }
      if (seconds > 0.5 || sinceLimit > 0) lastLimit = at;
      sinceLimit = 0;
    },
  };
}
