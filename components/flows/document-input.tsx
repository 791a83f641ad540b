import type { RefObject } from "react";

/** Asks for the file of a flow document. It is not seen: a button of its user's calls `click` on it. */
export function DocumentInput({
  input,
  onFile,
}: {
  input: RefObject<HTMLInputElement | null>;
  onFile: (file: File) => void;
}) {
  return (
    <input
      ref={input}
      type="file"
      accept=".json,.yaml,.yml,application/json,application/yaml"
      aria-label="Flow document to import"
      tabIndex={-1}
      className="sr-only"
      onChange={(event) => {
        const chosen = event.target.files?.[0];
        event.target.value = "";
        if (chosen) onFile(chosen);
      }}
    />
  );
}
