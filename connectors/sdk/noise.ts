/**
 * Refusals that come however slowly we ask: a gateway of several machines that count apart, or a budget that others use up.
 * To ask more slowly after each of them would end at one request in many seconds, and change nothing.
 */
export type Noise = {
  /** share of the requests that are refused at any rate; null: as far as we know they are not */
  share: number | null;
  /** the rate at which counting began, and when */
  rate: number;
  at: number;
  /** what was refused and taken since */
  refused: number;
  accepted: number;
};

export const noNoise: Noise = { share: null, rate: 0, at: 0, refused: 0, accepted: 0 };

/** So many refusals while the rate stays below where counting began, */
const IN_A_ROW = 4;
/** and asking so much more slowly has not helped. */
const FALLEN_TO = 0.6;
/** Noise is judged anew by so many refusals; a share that has grown this much tells of a limit again. */
const JUDGED_BY = 10;
const grown = (share: number) => Math.max(2 * share, share + 0.1);

type Refused = {
  /** the rate that the refusal, taken for a limit, would lead to */
  rate: number;
  /** taken since the last refusal */
  accepted: number;
  now: number;
};

/** What is known of noise after one more refusal. */
export function hear(before: Noise, { rate, accepted, now }: Refused): Noise {
  const anew = { ...noNoise, rate, at: now };
  if (before.share === null && rate >= before.rate) return anew;
  const heard = { ...before, refused: before.refused + 1, accepted: before.accepted + accepted };
  const share = heard.refused / (heard.refused + heard.accepted);
  if (before.share === null)
    return heard.refused >= IN_A_ROW && rate < FALLEN_TO * before.rate ? { ...anew, share, rate: before.rate } : heard;
  if (heard.refused < JUDGED_BY) return heard;
  return share > grown(before.share) ? anew : { ...anew, share: (before.share + share) / 2, rate: before.rate };
}
