/** Lets equal work under way be done once. Results, good and bad, are shared while it lasts and then forgotten. */
export class Once<Value> {
  readonly #underWay = new Map<string, Promise<Value>>()
  readonly #ends = new Set<Promise<unknown>>()

  /**
   * Does the work, or waits for the one under way with this key; `first` tells which. What the work hands to `after`
   * keeps it under way, and its value shared, until that has ended, too.
   */
  async run(
    key: string,
    work: (after: (rest: Promise<void>) => void) => Promise<Value>,
  ): Promise<{ value: Value; first: boolean }> {
    const shared = this.#underWay.get(key)
    if (shared) return { value: await shared, first: false }
    let rest: Promise<void> | undefined
    const mine = work((after) => {
      rest = after
    })
    this.#underWay.set(key, mine)
    const forget = () => {
      this.#underWay.delete(key)
      this.#ends.delete(end)
    }
    const end = mine.then(() => rest).then(forget, forget)
    this.#ends.add(end)
    return { value: await mine, first: true }
  }

  /** Resolves when all that is under way now has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#ends)
  }
}
