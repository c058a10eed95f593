import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileStore } from '../ledger/log/log-store.js';

/** Files in a folder. Each is durable before it has its name, so that a crash leaves none cut short. */
export class FolderFiles implements FileStore {
  constructor(private readonly root: string) {}

  read(path: string): Promise<Uint8Array | undefined> {
    const file = join(this.root, path);
    return Promise.resolve(existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined);
  }

  has(path: string): Promise<boolean> {
    return Promise.resolve(existsSync(join(this.root, path)));
  }

  put(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.root, path);
    const beside = `${file}.new`;
    mkdirSync(dirname(file), { recursive: true });
    writeDurably(beside, bytes);
    renameSync(beside, file);
    syncFolder(dirname(file));
    return Promise.resolve();
  }
}

/** A name is durable when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeDurably(file: string, bytes: Uint8Array): void {
  const fd = openSync(file, 'w', 0o600);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
