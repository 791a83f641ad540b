import { toast } from "../ui/toast.tsx";

let away = false;

/** Told by whoever watches whether Plumbline can be reached. */
export function sayAway(now: boolean): void {
  away = now;
}

/**
 * Whether the page must stay because the next one could not be loaded now; the person is told why. The browser would put an
 * error page of its own in its place, and what is not saved in it would be lost.
 *
 * @param unreachable what was asked just now got no answer, even if nobody else noticed yet
 */
export function staysHere(unreachable = false): boolean {
  const stays = away || unreachable;
  if (stays)
    toast({
      about: "away",
      kind: "info",
      title: "This page stays until Plumbline answers again",
      description: "The next one could not be loaded now. What is on the screen is kept.",
    });
  return stays;
}
