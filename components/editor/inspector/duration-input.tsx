"use client";
import { type ComponentProps, useEffect, useState } from "react";
import { readDuration } from "../../../engine/flow/duration.ts";
import { Input } from "../../ui/input.tsx";

/** A length of time such as 24h. While it is half typed, the last one that can be used stays. */
export function DurationInput({
  value,
  onChange,
  ...rest
}: { value: string | undefined; onChange: (value: string | undefined) => void } & Omit<
  ComponentProps<typeof Input>,
  "value" | "onChange"
>) {
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  return (
    <Input
      {...rest}
      value={text}
      onChange={(next) => {
        setText(next);
        if (next === "") onChange(undefined);
        else if (readDuration(next)) onChange(next);
      }}
      onBlur={() => setText(value ?? "")}
    />
  );
}
