import { closeSync, existsSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const fdatasyncAsync = promisify(fdatasync);
const hexDigits = 8;
const openMost = 4;

/**
 * Makes the embedded store's write-ahead log durable, which it does not do by itself: `fdatasync` on the
 * segment that is being written and on the one after it, should a batch have crossed over.
 */
export class WalFlush {
  readonly #open = new Map<string, number>();

  constructor(private readonly directory: string) {}

  /** @param segment name of the segment in which the batch began, as `pg_walfile_name` gives it */
  async flush(segment: string): Promise<void> {
    const files = [segment, segmentAfter(segment)].map((name) => this.#descriptor(name)).filter((fd) => fd !== undefined);
    await Promise.all(files.map((fd) => fdatasyncAsync(fd)));
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #descriptor(name: string): number | undefined {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const path = join(this.directory, name);
    if (!existsSync(path)) return undefined;
    const fd = openSync(path, 'r+');
    this.#syncDirectory();
    this.#open.set(name, fd);
    this.#trim();
    return fd;
  }

  /** A new file's name is durable only when its directory is. */
  #syncDirectory(): void {
    const fd = openSync(this.directory, 'r');
    fsyncSync(fd);
    closeSync(fd);
  }

  #trim(): void {
    for (const [name, fd] of this.#open) {
      if (this.#open.size <= openMost) return;
      closeSync(fd);
      this.#open.delete(name);
    }
  }
}

/** Segments are named by timeline, log and number, eight hex digits each; 256 numbers of 16 MiB to a log. */
function segmentAfter(segment: string): string {
  const timeline = segment.slice(0, hexDigits);
  const next = (BigInt(`0x${segment.slice(hexDigits, 2 * hexDigits)}`) << 8n) + BigInt(`0x${segment.slice(2 * hexDigits)}`) + 1n;
  const hex = (value: bigint) => value.toString(16).toUpperCase().padStart(hexDigits, '0');
  return timeline + hex(next >> 8n) + hex(next & 0xffn);
}
