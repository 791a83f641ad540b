/** What the palette offers: places to read from and write to that the workspace has, and the steps in between. */
import type { SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import type { Flow, Step } from "../../engine/flow/schema.ts";
import { definitionOf, stepDefinitions } from "../../engine/steps/registry.ts";
import { asksForChanges, scheduleIn } from "../flows/brief.ts";
import { freshId } from "./commands.ts";

/** One connection as the editor knows it; what could not be asked says why. */
export type Place = {
  id: string;
  name: string;
  connector: string;
  streams?: StreamInfo[];
  sinks?: SinkInfo[];
  unavailable?: string;
};

export type PaletteItem = {
  /** what a drag carries */
  id: string;
  group: "read" | "write" | "step";
  kind: Step["kind"];
  /** what is seen: “Shop · orders” */
  title: string;
  /** its name when read aloud, and for tests: “Read Shop · orders” */
  label: string;
  hint: string;
  connection?: string;
  place?: string;
};

/** Kinds whose title alone is also the name of a button of the editor. */
const apart: { [kind: string]: string } = { publish: "Publish an event" };

export function paletteItems(places: readonly Place[]): PaletteItem[] {
  const reads = places.flatMap(({ name, streams = [] }) =>
    streams.map((stream): PaletteItem => {
      const about =
        stream.estimate === undefined
          ? ""
          : `about ${stream.estimate.toLocaleString("en-GB").replaceAll(",", "\u202f")} records`;
      return itemOf("read", name, stream, about || `${stream.fields.length} fields`);
    }),
  );
  const writes = places.flatMap(({ name, sinks = [] }) =>
    sinks.map((sink) => {
      const needed = sink.fields.filter(({ required, default: filled }) => required && !filled).length;
      const hint = sink.open ? "any fields" : `${sink.fields.length} fields, ${needed} required`;
      const item = itemOf("write", name, sink, hint);
      if (sink.names === undefined) return item;
      const title = `${name} · ${sink.title.toLowerCase()}`;
      return { ...item, title, label: `Write ${title}`, hint: `Named as you like: ${sink.name}`, place: "" };
    }),
  );
  const steps = stepDefinitions
    .filter(({ kind }) => kind !== "read" && kind !== "write")
    .map(({ kind, title, summary }): PaletteItem => {
      const known = kind as Step["kind"];
      const said = apart[kind] ?? title;
      return { id: `step:${kind}`, group: "step", kind: known, title: said, label: said, hint: summary };
    });
  return [...reads, ...writes, ...steps];
}

function itemOf(
  kind: "read" | "write",
  connection: string,
  { name, title }: { name: string; title: string },
  hint: string,
): PaletteItem {
  const shown = `${connection} · ${name}`;
  return {
    id: `${kind}:${connection}:${name}`,
    group: kind,
    kind,
    title: shown,
    label: `${kind === "read" ? "Read" : "Write"} ${shown}`,
    hint: title === name ? hint : `${title}, ${hint}`,
    connection,
    place: name,
  };
}

/** Items whose title or hint holds every word typed. */
export function searchPalette(items: readonly PaletteItem[], text: string): PaletteItem[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter(({ label, hint }) => words.every((word) => `${label} ${hint}`.toLowerCase().includes(word)));
}

/** The step an item stands for, with a free id, a title in the user's words, and what its place and the flow's brief suggest. */
export function stepOf(item: PaletteItem, flow: Flow, places: readonly Place[]): Step {
  const { title, connection = "", place = "", kind } = item;
  const draft = definitionOf({ kind }).draft();
  if (kind === "read") {
    const timing = flow.brief?.timing ?? "";
    const stream = places.find(({ name }) => name === connection)?.streams?.find(({ name }) => name === place);
    const follows = stream?.watch?.state === "on" && asksForChanges(timing);
    const schedule = follows
      ? { sync: "changes" as const }
      : scheduleIn(timing, Intl.DateTimeFormat().resolvedOptions().timeZone);
    return { id: freshId(flow, place), kind, title, connection, stream: place, ...schedule };
  }
  if (kind === "write") {
    const sink = places.find(({ name }) => name === connection)?.sinks?.find(({ name }) => name === place);
    const operation = sink?.operations.includes("upsert") ? "upsert" : (sink?.operations[0] ?? "upsert");
    const match = operation === "insert" ? [] : matchOf(sink);
    return {
      id: freshId(flow, place === "" ? "write" : place),
      kind,
      title,
      connection,
      sink: place,
      operation,
      match,
    };
  }
  const base = definitionOf({ kind }).title;
  const titles = new Set(flow.steps.map((step) => step.title));
  let own = base;
  for (let number = 2; titles.has(own); number += 1) own = `${base} ${number}`;
  return { ...draft, id: freshId(flow, kind), title: own } as Step;
}

/** The key records are best found by: one the outside world can know, before one the target numbers itself. */
function matchOf(sink: SinkInfo | undefined): string[] {
  const keys = sink?.matchKeys ?? [];
  const ownNumber = (name: string) => {
    const field = sink?.fields.find((one) => one.name === name);
    return field?.readOnly || field?.default;
  };
  return keys.find((key) => !key.some(ownNumber)) ?? keys[0] ?? [];
}
