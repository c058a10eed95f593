/** The first primes. The constants of SHA-2 are made of them, and are made here rather than copied. */
export function primes(count: number): readonly bigint[] {
  const found: bigint[] = [];
  for (let number = 2n; found.length < count; number++) if (found.every((prime) => number % prime !== 0n)) found.push(number);
  return found;
}

/** The first bits of the fractional part of a number's square or cube root. */
export function rootBits(number: bigint, degree: 2n | 3n, bits: bigint): bigint {
  const scaled = number << (degree * bits);
  let [low, high] = [0n, number << bits];
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    [low, high] = middle ** degree <= scaled ? [middle, high] : [low, middle - 1n];
  }
  return low & ((1n << bits) - 1n);
}
