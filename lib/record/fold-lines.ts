/**
 * The lines of many ranks, with equal lines merged. Pure.
 *
 * Promises: each rank's own lines are all there, in their order.
 */

export interface FoldedLine {
  /** In the order in which they were given. */
  ranks: number[];
  text: string;
}

interface Link extends FoldedLine {
  next: Link | undefined;
}

/** Lines of several ranks that are looked at for one that is the same, and of any. */
const WINDOW = 100;
const WINDOW_ALL = 10_000;

/** `of`: each rank with its lines. */
export function foldLines(outputs: Iterable<readonly [number, readonly string[]]>): FoldedLine[] {
  const list = new FoldedList();
  for (const [rank, lines] of outputs) list.add(rank, lines);
  return list.all();
}

class FoldedList {
  private readonly head: Link = { ranks: [], text: "", next: undefined };
  private last = this.head;
  /** The texts that are in it. */
  private readonly known = new Set<string>();

  add(rank: number, lines: readonly string[]): void {
    let at = this.head;
    // Those that nobody before had: they come before the next one that somebody had.
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

  /** Gives the last one that it has put there. */
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

/** The link before the next one with this text; an empty line must not skip any. */
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
