-- In a direct room, who said something: 1 its creator, 2 the other, so 3 when both know each other. Elsewhere 0.
ALTER TABLE rooms ADD COLUMN written INTEGER NOT NULL DEFAULT 0;

UPDATE rooms SET written =
    EXISTS (
        SELECT 1 FROM events e
        WHERE e.position BETWEEN rooms.number << 32 AND rooms.number << 32 | rooms.seq
          AND e.kind = 'message' AND e.user = rooms.creator
    )
    + 2 * EXISTS (
        SELECT 1 FROM events e
        WHERE e.position BETWEEN rooms.number << 32 AND rooms.number << 32 | rooms.seq
          AND e.kind = 'message' AND e.user <> rooms.creator
    )
WHERE kind = 'direct';
