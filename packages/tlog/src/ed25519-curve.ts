import { type Encoded, fieldPrime } from './ed25519-rule.js';

/** Points of edwards25519 in extended coordinates (RFC 8032, section 5.1.4). Nothing secret comes here: the time may vary. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  /** x * y / z. */
  readonly t: bigint;
}

/** Multiples of a point: the first sixteen, the zeroth being the neutral one. */
export type Table = readonly Point[];
export type Encoding = Uint8Array;

const windowBits = 4n;
const windows = 64;
const neutral: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

const field = (number: bigint): bigint => {
  const rest = number % fieldPrime;
  return rest < 0n ? rest + fieldPrime : rest;
};

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % fieldPrime;
    square = (square * square) % fieldPrime;
  }
  return result;
}

const invert = (number: bigint): bigint => power(number, fieldPrime - 2n);
const curveD = field(-121665n * invert(121666n));
const twiceD = field(2n * curveD);
const rootOfMinusOne = power(2n, (fieldPrime - 1n) / 4n);

/** The point of an encoding (RFC 8032, section 5.1.3), or nothing where the curve has none. */
export function decompress({ y, negative }: Encoded): Point | undefined {
  const [numerator, denominator] = [field(y * y - 1n), field(curveD * y * y + 1n)];
  const cubed = (denominator ** 3n) % fieldPrime;
  const candidate = (((numerator * cubed) % fieldPrime) * power((numerator * cubed * ((denominator ** 4n) % fieldPrime)) % fieldPrime, (fieldPrime - 5n) / 8n)) % fieldPrime;
  const square = field(denominator * candidate * candidate);
  if (square !== numerator && square !== field(-numerator)) return undefined;
  const root = square === numerator ? candidate : (candidate * rootOfMinusOne) % fieldPrime;
  const x = (root & 1n) === (negative ? 1n : 0n) ? root : field(-root);
  return { x, y, z: 1n, t: (x * y) % fieldPrime };
}

/** The point's 32 bytes (RFC 8032, section 5.1.2). */
export function encode({ x, y, z }: Point): Encoding {
  const inverse = invert(z);
  let number = field(y * inverse) | ((field(x * inverse) & 1n) << 255n);
  return Uint8Array.from({ length: 32 }, () => {
    const byte = Number(number & 255n);
    number >>= 8n;
    return byte;
  });
}

export const negate = ({ x, y, z, t }: Point): Point => ({ x: field(-x), y, z, t: field(-t) });

export function tableOf(point: Point): Table {
  const table = [neutral];
  for (let last = neutral; table.length < 1 << Number(windowBits); table.push(last)) last = add(last, point);
  return table;
}

const base = decompress({ y: field(4n * invert(5n)), negative: false });
/** Multiples of the base point (RFC 8032, section 5.1). */
export const baseTable: Table = tableOf(base ?? neutral);

/** Both multiples in one walk over their windows, highest first. */
export function sumOfProducts(left: bigint, leftTable: Table, right: bigint, rightTable: Table): Point {
  let sum = neutral;
  for (let window = windows - 1; window >= 0; window--) {
    for (let bit = 0n; bit < windowBits; bit++) sum = double(sum);
    sum = add(sum, multipleOf(leftTable, left, window));
    sum = add(sum, multipleOf(rightTable, right, window));
  }
  return sum;
}

const multipleOf = (table: Table, scalar: bigint, window: number): Point => table[Number((scalar >> (windowBits * BigInt(window))) & 15n)] ?? neutral;

export function add(left: Point, right: Point): Point {
  const a = ((left.y - left.x) * (right.y - right.x)) % fieldPrime;
  const b = ((left.y + left.x) * (right.y + right.x)) % fieldPrime;
  const c = (((left.t * twiceD) % fieldPrime) * right.t) % fieldPrime;
  const d = (2n * left.z * right.z) % fieldPrime;
  return fromParts(b - a, d - c, d + c, b + a);
}

function double({ x, y, z }: Point): Point {
  const a = (x * x) % fieldPrime;
  const b = (y * y) % fieldPrime;
  const g = a - b;
  const f = 2n * z * z + g;
  const h = a + b;
  return fromParts(h - (x + y) * (x + y), f % fieldPrime, g, h);
}

/** e, f, g, h of RFC 8032, section 5.1.4. */
function fromParts(e: bigint, f: bigint, g: bigint, h: bigint): Point {
  return { x: (e * f) % fieldPrime, y: (g * h) % fieldPrime, z: (f * g) % fieldPrime, t: (e * h) % fieldPrime };
}
