/** How `POST /hooks/{flowKey}` stands in the OpenAPI document: it is no route of `/api/v1`, as it is in front of everything. */

const json = (schema: object) => ({ "application/json": { schema } });
const refused = (description: string) => ({ description, content: json({ $ref: "#/components/schemas/Error" }) });
const header = (name: string, description: string) => ({
  ...{ name, in: "header", required: false, description },
  schema: { type: "string" },
});
const id = { type: "string", description: "Number of the delivery, and of its run" };
const anything = {
  description: "What the system sends",
  type: ["object", "array", "string", "number", "boolean", "null"],
};

export const HOOK_PATH = "/hooks/{flowKey}";

export const hookPathItem = {
  servers: [{ url: "/" }],
  post: {
    operationId: "postHook",
    tags: ["hooks"],
    summary: "Send an event to a flow that starts with a webhook",
    description:
      "The address is the secret; where the flow asks for signatures, the sender's own headers prove it besides. Stored before it is answered. The same event id again is a repeat, whatever its body. PUT does the same.",
    security: [],
    parameters: [
      {
        name: "flowKey",
        in: "path",
        required: true,
        schema: { type: "string" },
        description: "From “hook” of the flow's state",
      },
      header("webhook-id", "What the sender calls the event, unless the flow takes it from a field"),
      header(
        "webhook-timestamp",
        "Of a signature (Standard Webhooks): seconds since 1970, within five minutes of ours",
      ),
      header("webhook-signature", "Of a signature (Standard Webhooks): v1,…"),
    ],
    requestBody: {
      required: true,
      content: {
        ...json(anything),
        "application/x-www-form-urlencoded": { schema: { type: "object" } },
        "multipart/form-data": { schema: { type: "object" } },
        "application/xml": { schema: { type: "string" } },
        "text/plain": { schema: { type: "string" } },
      },
    },
    responses: {
      200: {
        description:
          "The result, of a flow that answers (`wait: true`): the record as it reached the end, or a list of them",
        content: json(anything),
      },
      202: {
        description: "It is stored and goes on",
        content: json({
          type: "object",
          properties: {
            id,
            ids: {
              type: "array",
              items: { type: "string" },
              description: "Of a list of events, each with an id of its own in the flow's field: all their numbers",
            },
            repeat: {
              type: "boolean",
              description: "It (of a list: every event of it) came before; `id` is that of the first",
            },
            held: {
              type: "boolean",
              description: "Of a flow that answers: it waits for a person, a time, or one before it",
            },
            paused: {
              type: "boolean",
              description: "Of a flow that answers: it is stopped, and works on the event when somebody resumes it",
            },
          },
          required: ["id"],
        }),
      },
      400: refused("The body is broken. Codes: `not-json`, `not-form`, `not-xml`, `not-text`, `too-deep`."),
      401: refused(
        "It is not signed as the flow asks. Codes: `signature-missing`, `signature-invalid`, `signature-expired`, `signature-not-set`.",
      ),
      404: refused("No published flow listens here. Codes: `not-found`."),
      405: refused("Events are sent with POST or PUT. Codes: `wrong-method`."),
      413: refused("The body is larger than 10 MB. Codes: `body-too-large`."),
      415: refused("The body is of a type or encoding that is not taken. Codes: `content-type`, `content-encoding`."),
      422: refused(
        "The error, of a flow that answers; its codes are those of failed records, and `cancelled` when a person cancelled its run or removed the flow meanwhile",
      ),
    },
  },
};
