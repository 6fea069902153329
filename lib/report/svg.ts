/**
 * The few elements of SVG that are drawn with, as text. Whatever stands in an attribute
 * or between tags is escaped here and nowhere else.
 */

type Attributes = Record<string, string | number | undefined>;

export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const words = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}="${escape(short(value))}"`],
  );
  const open = [name, ...words].join(" ");
  return children.length === 0 ? `<${open}/>` : `<${open}>${children.join("")}</${name}>`;
}

/** Text as a child of an element. */
export const escape = (text: string): string =>
  text
    // What XML has no way to write.
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?")
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const short = (value: string | number) =>
  typeof value === "number" ? String(Math.round(value * 100) / 100) : value;
