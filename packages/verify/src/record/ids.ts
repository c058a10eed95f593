/** A Map holds 2^24 members; ids are spread over this many by their last two digits. */
const shards = 256;

/**
 * Which ids the log has, and which of them were settled. The one thing that grows with every entry: about 110 bytes
 * for each, 1.1 GB for ten million (`node --max-old-space-size`).
 */
export class Ids {
  readonly #shards = Array.from({ length: shards }, () => new Map<string, boolean>());

  has(id: string): boolean {
    return this.#shardOf(id).has(id);
  }

  isSettled(id: string): boolean {
    return this.#shardOf(id).get(id) === true;
  }

  /** False when the id was there before. */
  add(id: string): boolean {
    const shard = this.#shardOf(id);
    if (shard.has(id)) return false;
    shard.set(id, false);
    return true;
  }

  settle(id: string): void {
    this.#shardOf(id).set(id, true);
  }

  #shardOf(id: string): Map<string, boolean> {
    const shard = this.#shards[(nibble(id.charCodeAt(34)) * 16 + nibble(id.charCodeAt(35))) % shards];
    return shard ?? new Map<string, boolean>();
  }
}

/** Of a lower-case hex digit. */
const nibble = (letter: number): number => (letter < 0x61 ? letter - 0x30 : letter - 0x57);
