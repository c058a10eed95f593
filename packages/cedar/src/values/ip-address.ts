import { extensionError } from '../errors.js';

const textMax = 43;
const octet = /^(0|[1-9][0-9]{0,2})$/;
const group = /^[0-9a-fA-F]{1,4}$/;

/** An address, or a range of addresses by its prefix, of IP version 4 or 6. */
export class IpAddress {
  readonly kind = 'ipaddr';

  private constructor(
    readonly version: 4 | 6,
    readonly address: bigint,
    readonly prefix: number,
  ) {}

  /** `10.0.0.1`, `10.0.0.0/8`, `::1`, `ff00::/8`; no IPv4 within IPv6, no leading zeros. Throws an evaluation error. */
  static parse(text: string): IpAddress {
    const wrong = () => extensionError('ip', `\`${text.slice(0, textMax)}\` is not a well-formed IP address or range`);
    if (text.length > textMax) throw wrong();
    const slash = text.indexOf('/');
    const host = slash < 0 ? text : text.slice(0, slash);
    const address = host.includes(':') ? parse6(host) : parse4(host);
    if (address === undefined) throw wrong();
    const version = host.includes(':') ? 6 : 4;
    if (slash < 0) return new IpAddress(version, address, widths[version]);
    const prefix = text.slice(slash + 1);
    if (!octet.test(prefix) || Number(prefix) > widths[version]) throw wrong();
    return new IpAddress(version, address, Number(prefix));
  }

  /** A range is loopback or multicast when all of it is. */
  isLoopback(): boolean {
    return this.version === 4 ? this.address >> 24n === 127n && this.prefix >= 8 : this.address === 1n && this.prefix === widths[6];
  }

  isMulticast(): boolean {
    return this.version === 4 ? this.address >> 28n === 14n && this.prefix >= 4 : this.address >> 120n === 255n && this.prefix >= 8;
  }

  isInRange(other: IpAddress): boolean {
    return this.version === other.version && this.#lowest() >= other.#lowest() && this.#highest() <= other.#highest();
  }

  get identity(): string {
    return `ip ${this.version} ${this.address}/${this.prefix}`;
  }

  toString(): string {
    const bits = this.version === 4 ? 8 : 16;
    const parts = Array.from({ length: this.version === 4 ? 4 : 8 }, (_, index, width = widths[this.version]) => (this.address >> BigInt(width - bits * (index + 1))) & ((1n << BigInt(bits)) - 1n));
    const address = this.version === 4 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
    return this.prefix === widths[this.version] ? address : `${address}/${this.prefix}`;
  }

  #hostBits(): bigint {
    return (1n << BigInt(widths[this.version] - this.prefix)) - 1n;
  }

  #lowest(): bigint {
    return this.address & ~this.#hostBits();
  }

  #highest(): bigint {
    return this.address | this.#hostBits();
  }
}

const widths = { 4: 32, 6: 128 } as const;

function parse4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || octets.some((part) => !octet.test(part) || Number(part) > 255)) return undefined;
  return octets.reduce((address, part) => (address << 8n) | BigInt(part), 0n);
}

function parse6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = [...(before ?? []), ...(after ?? [])];
  if (given.some((part) => !group.test(part))) return undefined;
  if (after === undefined ? given.length !== 8 : given.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - given.length }, () => '0');
  return [...(before ?? []), ...zeros, ...(after ?? [])].reduce((address, part) => (address << 16n) | BigInt(`0x${part}`), 0n);
}
