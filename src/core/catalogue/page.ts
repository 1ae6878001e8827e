/** A page of a list: `limit` rows after the first `offset`. */
export interface Page {
  readonly limit: number
  readonly offset: number
}
