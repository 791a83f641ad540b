/** The next item of an iterator, asked for ahead of its turn. */
export type Ahead<P> = { done: boolean; item: P; error?: unknown };

/** Asks now; a failure is kept until its turn, so that what came before it is still dealt with. */
export async function ahead<P>(items: AsyncIterator<P>): Promise<Ahead<P>> {
  try {
    const { done, value } = await items.next();
    return { done: done === true, item: value as P };
  } catch (error) {
    return { done: false, item: undefined as P, error: error ?? new Error("Reading failed without a reason.") };
  }
}
