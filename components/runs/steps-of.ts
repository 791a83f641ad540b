/** Steps of a stored document, read with care: a draft or an imported one may hold anything. */

export type PlainStep = { id: string; kind: string; title: string };

export function stepsOf(document: unknown): PlainStep[] {
  const steps = (document as { steps?: unknown } | null | undefined)?.steps;
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: unknown) => {
    const { id, kind, title } = (step ?? {}) as { id?: unknown; kind?: unknown; title?: unknown };
    if (typeof id !== "string") return [];
    return [
      { id, kind: typeof kind === "string" ? kind : "", title: typeof title === "string" && title !== "" ? title : id },
    ];
  });
}

/** The user's words for a step; its id when the document does not know it. */
export function stepTitle(document: unknown, id: string): string {
  return stepsOf(document).find((step) => step.id === id)?.title ?? id;
}
