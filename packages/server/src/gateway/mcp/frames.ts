import { FlyballError } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';

/** One message on its way, with what a stream says around it. `data` is the exact text that was sent. */
export interface Frame {
  readonly data: string;
  readonly id?: string;
  readonly retry?: string;
  readonly event?: string;
}

type Chunks = AsyncIterable<Uint8Array>;

/** Messages of a response body, as they come: events of a stream, or JSON texts, one or one a line. */
export function readFrames(body: Chunks, contentType: string): AsyncIterable<Frame> {
  return contentType.includes('text/event-stream') ? readEvents(body) : readJsonTexts(body);
}

/** Decodes UTF-8 that may be cut between any two bytes, and counts: a body without end ends here. */
async function* decode(body: Chunks): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8');
  for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

function bounded(bytes: number): void {
  if (bytes > limits.responseBytesMax) throw new FlyballError('performed_unknown', `the answer is larger than ${limits.responseBytesMax} bytes`);
}

/** Lines as they come, each looked at once, however the body is cut. The last one may lack its end. */
async function* readLines(body: Chunks): AsyncIterable<string> {
  let parts: string[] = [];
  let length = 0;
  let endedWithCr = false;
  for await (const chunk of decode(body)) {
    // A line end of two characters may be cut in the middle: its second half ends no other line.
    const text = endedWithCr && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    if (chunk !== '') endedWithCr = chunk.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    for (const line of lines.slice(0, -1)) {
      yield parts.join('') + line;
      [parts, length] = [[], 0];
    }
    const rest = lines.at(-1) ?? '';
    parts.push(rest);
    length += rest.length;
    bounded(length);
  }
  if (length > 0) yield parts.join('');
}

/** Server-sent events (WHATWG HTML, section 9.2.6); comments are dropped. */
async function* readEvents(body: Chunks): AsyncIterable<Frame> {
  let event: Event = newEvent();
  for await (const line of readLines(body)) {
    if (line !== '') takeLine(event, line);
    else {
      if (event.some) yield toFrame(event);
      event = newEvent();
    }
  }
}

interface Event {
  readonly data: string[];
  readonly fields: Map<string, string>;
  bytes: number;
  some: boolean;
}

const newEvent = (): Event => ({ data: [], fields: new Map(), bytes: 0, some: false });

function takeLine(event: Event, line: string): void {
  const colon = line.indexOf(':');
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  event.some = true;
  event.bytes += line.length + 1;
  bounded(event.bytes);
  if (name === 'data') event.data.push(value);
  else if (name === 'id' || name === 'retry' || name === 'event') event.fields.set(name, value);
}

function toFrame({ data, fields }: Event): Frame {
  const [id, retry, event] = ['id', 'retry', 'event'].map((name) => fields.get(name));
  return { data: data.join('\n'), ...(id !== undefined && { id }), ...(retry !== undefined && { retry }), ...(event !== undefined && { event }) };
}

/** One JSON text, or several, each ended by a line break outside of all brackets. */
async function* readJsonTexts(body: Chunks): AsyncIterable<Frame> {
  let text: string[] = [];
  let length = 0;
  const state = { depth: 0, quoted: false, escaped: false };
  for await (const chunk of decode(body)) {
    length += chunk.length;
    bounded(length);
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      step(state, chunk.charCodeAt(i));
      if (chunk.charCodeAt(i) !== 0x0a || state.depth > 0 || state.quoted) continue;
      const data = text.join('') + chunk.slice(from, i);
      if (data.trim() !== '') yield { data };
      [text, length, from] = [[], chunk.length - i, i + 1];
    }
    text.push(chunk.slice(from));
  }
  const data = text.join('');
  if (data.trim() !== '') yield { data };
}

/** Follows brackets and strings of JSON, one character at a time. */
function step(state: { depth: number; quoted: boolean; escaped: boolean }, code: number): void {
  if (state.quoted) {
    if (state.escaped) state.escaped = false;
    else if (code === 0x5c) state.escaped = true;
    else if (code === 0x22) state.quoted = false;
  } else if (code === 0x22) state.quoted = true;
  else if (code === 0x7b || code === 0x5b) state.depth++;
  else if (code === 0x7d || code === 0x5d) state.depth--;
}

/** A frame as a server-sent event. */
export function writeEvent({ data, id, retry, event }: Frame): string {
  const fields = [
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...data.split(/\r\n|\n|\r/).map((line) => `data: ${line}`),
  ];
  return `${fields.join('\n')}\n\n`;
}
