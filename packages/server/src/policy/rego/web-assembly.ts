/** As much of WebAssembly's JavaScript interface (W3C, version 2) as OPA's modules need; Node's types leave it to those of browsers. */
export interface Memory {
  readonly buffer: ArrayBuffer;
}
export type Module = object;
export interface Instance {
  readonly exports: object;
}
export interface Global {
  readonly value: unknown;
}

interface WebAssemblyInterface {
  readonly Memory: new (bounds: { readonly initial: number; readonly maximum: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Instance: new (module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => Instance;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }).WebAssembly;
