"use client";
import { useMutation } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useRouter } from "next/navigation";
import { useRef } from "react";
import { readFailure } from "../server/failure.ts";
import { useTRPC } from "../server/trpc.ts";
import { Button } from "../ui/button.tsx";
import { toast } from "../ui/toast.tsx";
import { readDocumentFile } from "./brief.ts";
import { DocumentInput } from "./document-input.tsx";

/** Makes a flow from an exported document; what is wrong in it is shown as problems in the editor. */
export function ImportFlow() {
  const trpc = useTRPC();
  const router = useRouter();
  const file = useRef<HTMLInputElement>(null);
  const create = useMutation(trpc.flows.create.mutationOptions());
  const read = useMutation({
    mutationFn: async (chosen: File) => create.mutateAsync({ document: await readDocumentFile(await chosen.text()) }),
    onSuccess: ({ id }) => router.push(`/flows/${id}`),
    onError: (error, chosen) =>
      toast({
        kind: "failed",
        title: `“${chosen.name}” could not be imported`,
        description: readFailure(error).message,
      }),
  });
  return (
    <>
      <DocumentInput input={file} onFile={read.mutate} />
      <Button icon={Upload} large busy={read.isPending} onClick={() => file.current?.click()}>
        Import
      </Button>
    </>
  );
}
