/** Events of one series in the order of time: their points, and the sums of one of their fields up to each. */
export class Series {
  readonly #points: number[] = [];
  readonly #times: number[] = [];
  readonly #sums: bigint[] = [];
  #start = 0;
  /** Sum of all that has been given back. */
  #before = 0n;

  get isEmpty(): boolean {
    return this.#start >= this.#points.length;
  }

  add(point: number, atMs: number, summand: bigint | undefined): void {
    this.#points.push(point);
    this.#times.push(atMs);
    if (summand !== undefined) this.#sums.push((this.#sums.at(-1) ?? this.#before) + summand);
  }

  removeLast(): void {
    this.#points.pop();
    this.#times.pop();
    this.#sums.pop();
  }

  /** Forgets what is older. */
  forgetBefore(atMs: number): void {
    this.#start = Math.max(this.#start, lowest(this.#times, atMs));
    // Room is given back when half of it is unused.
    if (this.#start < 1_024 || this.#start * 2 < this.#points.length) return;
    this.#before = this.#sums[this.#start - 1] ?? this.#before;
    for (const list of [this.#points, this.#times, this.#sums]) list.splice(0, this.#start);
    this.#start = 0;
  }

  /** Where the events from one time to one point begin and end. */
  range(fromMs: number, toPoint: number): readonly [first: number, end: number] {
    return [Math.max(this.#start, lowest(this.#times, fromMs)), lowest(this.#points, toPoint + 1)];
  }

  pointAt(index: number): number {
    return this.#points[index] ?? -1;
  }

  sumOf([first, end]: readonly [number, number]): bigint {
    return end <= first ? 0n : (this.#sums[end - 1] ?? 0n) - (this.#sums[first - 1] ?? this.#before);
  }
}

/** The first place in a rising list whose value is not less. */
export function lowest(list: readonly number[], least: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
