/** Pieces of a walk that end in any order, and are counted in the order in which they began. */
export interface Frontier<At, Piece> {
  /** The end of the last piece before which none is open: where another walk may go on. */
  readonly at: At
  /** Pieces that began and did not end. */
  readonly open: number
  /** A piece that ends at `end`; call the answer with what it found once all of it is durable. */
  begin(end: At): (piece: Piece) => void
}

interface Slot<At, Piece> {
  readonly end: At
  piece: Piece | null
}

export function makeFrontier<At, Piece extends object>(start: At, take: (piece: Piece) => void): Frontier<At, Piece> {
  const slots: Slot<At, Piece>[] = []
  let at = start
  const advance = (): void => {
    for (let first = slots[0]; first !== undefined && first.piece !== null; first = slots[0]) {
      take(first.piece)
      at = first.end
      slots.shift()
    }
  }
  return {
    get at() {
      return at
    },
    get open() {
      return slots.length
    },
    begin: (end) => {
      const slot: Slot<At, Piece> = { end, piece: null }
      slots.push(slot)
      return (piece) => {
        slot.piece = piece
        advance()
      }
    },
  }
}
