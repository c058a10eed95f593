import type { ServerResponse } from 'node:http';
import { type Frame, writeEvent } from './frames.js';

/** Where the answer to one request goes, and what its server says beside it. */
export interface Sink {
  open(): void;
  send(frame: Frame): Promise<void>;
  answer(status: number, text: string, around?: Omit<Frame, 'data'>, headers?: Readonly<Record<string, string>>): Promise<void>;
  end(): void;
}

const nothing = (): Promise<void> => Promise.resolve();

/** For what nobody listens to while it is performed: its result is kept, and asked for later. */
export const nobody: Sink = { open: () => undefined, send: nothing, answer: nothing, end: () => undefined };

/** The way back to an HTTP client: one JSON text, or a stream once there is more than the answer to say. */
export class HttpSink implements Sink {
  #streaming = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly headers: () => Readonly<Record<string, string>> = () => ({}),
  ) {}

  get closed(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** Begins a stream, if it has not begun. */
  open(): void {
    if (this.#streaming || this.closed) return;
    this.#streaming = true;
    this.response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no', ...this.headers() });
    this.response.flushHeaders();
  }

  async send(frame: Frame): Promise<void> {
    this.open();
    if (this.closed || this.response.write(writeEvent(frame))) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.response.off('drain', done).off('close', done);
        resolve();
      };
      this.response.on('drain', done).on('close', done);
    });
  }

  /** The last message: the body of a plain answer, or the last event of a stream. */
  async answer(status: number, text: string, around: Omit<Frame, 'data'> = {}, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.closed) return;
    if (this.#streaming) {
      await this.send({ ...around, data: text });
      this.response.end();
      return;
    }
    this.response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...this.headers(), ...headers });
    this.response.end(text);
  }

  status(status: number, headers: Readonly<Record<string, string>> = {}): void {
    if (!this.closed) this.response.writeHead(status, { ...this.headers(), ...headers }).end();
  }

  end(): void {
    if (!this.closed) this.response.end();
  }
}
