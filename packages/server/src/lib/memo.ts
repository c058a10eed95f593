/**
 * Remembers what was made of each text, for what is the same time after time. Texts are strangers' to choose, so after `most`
 * of them everything is forgotten and begun anew.
 */
export class Memo<Value> {
  readonly #known = new Map<string, Value>();

  constructor(private readonly most: number) {}

  /** What was made of a text, or is made of it now; what throws is not remembered. */
  of(text: string, make: () => Value): Value {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = make();
    if (this.#known.size >= this.most) this.#known.clear();
    this.#known.set(text, made);
    return made;
  }
}
