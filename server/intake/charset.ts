const decoders = new Map<string, TextDecoder>();

/** In lower case. */
export function charsetNamed(contentType: string): string | undefined {
  return contentType.match(/charset="?([\w-]{1,40})/i)?.[1]?.toLowerCase();
}

/** Refuses bytes that are no text in this charset. @throws RangeError when nobody knows it */
export function decoderOf(charset: string): TextDecoder {
  let decoder = decoders.get(charset);
  if (!decoder) {
    decoder = new TextDecoder(charset, { fatal: true });
    if (decoders.size < 50) decoders.set(charset, decoder);
  }
  return decoder;
}
