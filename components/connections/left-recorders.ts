import type { LeftRecorder } from "../../server/trpc/contract/connections.ts";
import { intoClipboard } from "../ui/clipboard.ts";
import { toast } from "../ui/toast.tsx";

/** Says of each recorder that nobody follows any more and that could not be taken out of its system what to do about it. */
export function sayLeftRecorders(recorders: LeftRecorder[] = []): void {
  for (const { connection, stream, message, script } of recorders)
    toast({
      kind: "failed",
      title: `“${connection}” still records the changes of ${stream}, for nobody`,
      description: `${message} It stops by itself after seven days; the database's administrator can remove it before that.`,
      ...(script === ""
        ? {}
        : { action: { label: "Copy the script for it", onClick: () => void intoClipboard(script) } }),
    });
}
