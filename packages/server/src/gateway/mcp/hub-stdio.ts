import type { Readable, Writable } from 'node:stream';
import { FlyballError } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import { errorAnswer, rpcCodes } from './answers.js';
import { eraOf, isClientNotification, isMethodOf } from './eras.js';
import { Hub, type HubUpstream } from './hub.js';
import { errorText, idKey, readMessage, type RpcMessage, type RpcRequest, writeMessage } from './message.js';
import type { Caller, GatewayPort } from './port.js';

export interface StdioClient {
  readonly input: Readable;
  readonly output: Writable;
  readonly caller: Caller;
}

/** Serves one MCP client over its pipes. Resolves when its input ends; everything that was started for it has ended then too. */
export async function serveStdio(port: GatewayPort, upstreams: readonly HubUpstream[], { input, output, caller }: StdioClient): Promise<void> {
  const write = (text: string) => void output.write(`${text}\n`);
  const hub = new Hub(port, upstreams, { hear: (message) => write(writeMessage(message)) });
  const cancels = new Map<string, AbortController>();
  const running = new Set<Promise<void>>();

  const answer = async (request: RpcRequest): Promise<void> => {
    const era = eraOf(request.params, undefined);
    if (!isMethodOf(era, request.method)) return write(errorText(request.id, { code: rpcCodes.methodNotFound, message: 'method not found' }));
    if (cancels.has(idKey(request.id))) return write(errorText(request.id, { code: rpcCodes.invalid, message: 'a request with this id is under way' }));
    const cancel = new AbortController();
    cancels.set(idKey(request.id), cancel);
    const { text } = await hub.request(request, era, caller, 'stdio', cancel.signal);
    cancels.delete(idKey(request.id));
    if (!cancel.signal.aborted) write(text);
  };
  const handle = async (line: Uint8Array): Promise<void> => {
    const message = read(line, write);
    if (!message) return;
    if (message.kind === 'request') return answer(message);
    if (message.kind === 'response') return hub.respond(message);
    if (!isClientNotification(message.method)) return;
    const cancelled = message.method === 'notifications/cancelled' ? message.params['requestId'] : undefined;
    if (typeof cancelled === 'string' || typeof cancelled === 'number') cancels.get(idKey(cancelled))?.abort();
    return hub.notify(message.method, message.params);
  };

  for await (const line of readLines(input)) {
    const task = handle(line).catch((error: unknown) => port.log('error', 'a message could not be handled', { reason: error instanceof Error ? error.message : 'unknown' }));
    running.add(task);
    void task.finally(() => running.delete(task));
  }
  cancels.forEach((cancel) => cancel.abort());
  await hub.close();
  await Promise.allSettled(running);
}

function read(line: Uint8Array, write: (text: string) => void): RpcMessage | undefined {
  try {
    return readMessage(parseStrictJson(line));
  } catch (error) {
    const message = error instanceof FlyballError ? error.message : 'expected JSON';
    write(errorAnswer(null, { code: rpcCodes.invalid, message }).text);
    return undefined;
  }
}

/** Lines as bytes, however the pipe cuts them; a line beyond the limit is dropped up to its end. */
async function* readLines(input: Readable): AsyncIterable<Uint8Array> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of untilClosed(input)) {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]);
      [parts, bytes, rest] = [[], 0, rest.subarray(end + 1)];
      if (line.toString('latin1').trim() !== '') yield line;
    }
    bytes += rest.byteLength;
    // One byte more than is allowed is kept, so that the line is still refused as too large.
    if (bytes <= limits.requestBytesMax) parts.push(rest);
    else if (parts.length > 0) parts = [Buffer.alloc(limits.requestBytesMax + 1, 0x20)];
  }
}

/** The chunks of a stream up to its end; a stream that is destroyed has ended too. */
async function* untilClosed(input: Readable): AsyncIterable<Buffer> {
  try {
    yield* input as AsyncIterable<Buffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
