/**
 * Merges the equal lines of many ranks. Pure.
 *
 * Promises: the result contains all lines of each rank, in their order.
 */

export interface FoldedLine {
  /** The ranks that printed the line, in the order of the input. */
  ranks: number[];
  text: string;
}

interface Link extends FoldedLine {
  next: Link | undefined;
}

/** Limits of the search for an equal line: lines that several ranks printed, and all lines. */
const WINDOW = 100;
const WINDOW_ALL = 10_000;

/** `outputs`: each rank with its lines. */
export function foldLines(outputs: Iterable<readonly [number, readonly string[]]>): FoldedLine[] {
  const list = new FoldedList();
  for (const [rank, lines] of outputs) list.add(rank, lines);
  return list.all();
}

class FoldedList {
  private readonly head: Link = { ranks: [], text: "", next: undefined };
  private last = this.head;
  /** The texts of all lines in the list. */
  private readonly known = new Set<string>();

  add(rank: number, lines: readonly string[]): void {
    let at = this.head;
    // Lines that no earlier rank printed. They are inserted before the next line that an earlier
    // rank printed.
    let ownLines: string[] = [];
    for (const text of lines) {
      const before = this.known.has(text) ? find(at, text) : undefined;
      if (before?.next) {
        at = this.insert(before, ownLines, rank).next ?? before.next;
        at.ranks.push(rank);
        ownLines = [];
      } else ownLines.push(text);
    }
    this.last = this.insert(this.last, ownLines, rank);
    for (const text of lines) this.known.add(text);
  }

  all(): FoldedLine[] {
    const lines: FoldedLine[] = [];
    for (let link = this.head.next; link; link = link.next)
      lines.push({ ranks: link.ranks, text: link.text });
    return lines;
  }

  /** Returns the last inserted link, or `before` if there are no texts. */
  private insert(before: Link, texts: string[], rank: number): Link {
    let at = before;
    for (const text of texts) {
      const link: Link = { ranks: [rank], text, next: at.next };
      at.next = link;
      at = link;
    }
    return at;
  }
}

/**
 * Returns the link before the next link with this text. An empty line matches only the directly
 * following link, so that it does not skip other lines.
 */
function find(from: Link, text: string): Link | undefined {
  if (text.trim() === "") return from.next?.text === text ? from : undefined;
  let shared = 0;
  let before = from;
  for (let all = 0; before.next && shared < WINDOW && all < WINDOW_ALL; all++) {
    if (before.next.text === text) return before;
    if (before.next.ranks.length > 1) shared++;
    before = before.next;
  }
  return undefined;
}
