/** The style sheets of parts that are loaded later, and of an embedded client all of them: constructed, since no markup
 * of ours has styles.
 */

const sheets: CSSStyleSheet[] = [];
let scope: Document | ShadowRoot = document;

/** Apply a style sheet from now on. */
export function adopt(css: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  sheets.push(sheet);
  scope.adoptedStyleSheets = [...scope.adoptedStyleSheets, sheet];
}

/** Apply all style sheets to another tree; the returned function takes them out again. */
export function adoptIn(next: Document | ShadowRoot): () => void {
  scope = next;
  next.adoptedStyleSheets = [...next.adoptedStyleSheets, ...sheets];
  return () => {
    next.adoptedStyleSheets = next.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet));
    scope = document;
  };
}
