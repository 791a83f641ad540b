/** Finding what a step names on a connection. */
import type { SinkInfo, StreamInfo } from "../../connectors/sdk/types.ts";
import { nearest } from "../mapping/nearest.ts";
import type { ConnectionShape, FlowWorld, Note, Problem } from "./define-step.ts";
import { atField, list, stepName } from "./words.ts";

type Named = { id: string; title?: string | undefined; connection: string };

export function streamOf(world: FlowWorld, connection: string, stream: string): StreamInfo | undefined {
  return world.connections.get(connection)?.streams?.find(({ name }) => name === stream);
}

export function sinkOf(world: FlowWorld, connection: string, sink: string): SinkInfo | undefined {
  return findSink(world.connections.get(connection)?.sinks ?? [], sink);
}

/** The sink of this name: one that is there, or one that is made when it is first written. */
export function findSink(sinks: readonly SinkInfo[], sink: string): SinkInfo | undefined {
  const there = sinks.find(({ name, names }) => name === sink && names === undefined);
  if (there) return there;
  const made = sinks.find(({ names }) => names !== undefined && new RegExp(names).test(sink));
  if (!made) return undefined;
  const { names: _, ...info } = made;
  return { ...info, name: sink, title: sink };
}

/** Problems when the connection, or the place on it, does not exist. A connection of which nothing is known gives none. */
export function placeProblems(step: Named, world: FlowWorld, kind: "stream" | "sink", name: string): Problem[] {
  const connection = world.connections.get(step.connection);
  if (!connection) return [unknownConnection(step, world)];
  if (name === "") return [notChosen(step, kind)];
  const places: { name: string }[] | undefined = kind === "stream" ? connection.streams : connection.sinks;
  if (!places || (kind === "sink" && findSink(connection.sinks ?? [], name))) return [];
  if (kind === "stream" && places.some((place) => place.name === name)) return [];
  const names = places.map((place) => place.name);
  const close = nearest(name, names);
  return [
    {
      step: step.id,
      field: kind,
      message: `${atField(step, kind)}: connection “${connection.name}” has no ${kind} “${name}”.`,
      remedy: close
        ? `Did you mean “${close}”?`
        : choose(names, `a ${kind} it has`, `Connection “${connection.name}” offers none; choose another.`),
    },
  ];
}

function notChosen(step: Named, what: string): Problem {
  const message = `${atField(step, what)}: expected a ${what}, found none.`;
  return { step: step.id, field: what, message, remedy: `Choose a ${what}.` };
}

function unknownConnection(step: Named, world: FlowWorld): Problem {
  if (step.connection === "") return notChosen(step, "connection");
  const names = [...world.connections.keys()];
  const close = nearest(step.connection, names);
  return {
    step: step.id,
    field: "connection",
    message: `${atField(step, "connection")}: there is no connection “${step.connection}”.`,
    remedy: close ? `Did you mean “${close}”?` : choose(names, "one of", "Create it under Connections."),
  };
}

function choose(names: string[], what: string, otherwise: string): string {
  return names.length > 0 ? `Choose ${what}: ${list(names)}.` : otherwise;
}

/** Why nothing is known of the connection, when that is so. */
export function unavailableNotes(step: Named, connection: ConnectionShape | undefined, what: string): Note[] {
  if (!connection?.unavailable) return [];
  const message = `${stepName(step)}: the fields of ${what} are not known now, so they are not checked. ${connection.unavailable}`;
  return [{ step: step.id, field: "connection", message }];
}

/** Why the fields of this one stream are not known, when the connection could not read it: a file in another encoding. */
export function unreadableNotes(step: Named & { stream: string }, stream: StreamInfo | undefined): Note[] {
  if (!stream?.problem) return [];
  const message = `${stepName(step)}: the fields of stream “${step.stream}” are not known now, so they are not checked. ${stream.problem.message}`;
  return [{ step: step.id, field: "stream", message }];
}
