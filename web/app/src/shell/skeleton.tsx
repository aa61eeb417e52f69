/** Grey rows in place of content that is on its way; they appear after 150 ms, so that a quick answer shows none. */

const ROWS = [0, 1, 2, 3, 4, 5, 6];

export function Skeleton() {
  return (
    <div class="skeleton" aria-hidden="true">
      {ROWS.map((row) => (
        <div key={row} class="skeleton-row">
          <span class="skeleton-disc" />
          <span class="skeleton-lines" />
        </div>
      ))}
    </div>
  );
}
