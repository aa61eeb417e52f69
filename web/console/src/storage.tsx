/** The page Storage: what the disk holds, the newest backup, the certificate. */
import type { Now } from "./api.js";
import { useCondition } from "./condition.js";
import { Files } from "./files.js";
import { bytes, duration, when } from "./format.js";
import { Card, Command, Facts, Skeleton } from "./parts.js";
import { texts } from "./texts.js";

const words = texts.storage;

export function StoragePage() {
  const now = useCondition();
  if (!now) return <Skeleton rows={6} />;
  return (
    <>
      <Disk {...now.storage} />
      {now.media && <Files media={now.media} />}
      <div class="columns">
        <Backups now={now} />
        <div class="stack">
          <Certificate now={now} />
          <Card title={words.check}>
            <p class="quiet">{words.checkHint}</p>
            <Command text="chatd check" label={words.copy} />
          </Card>
        </div>
      </div>
    </>
  );
}

function Disk({ directory, disk_bytes, database_bytes, wal_bytes, free_bytes, min_free_bytes }: Now["storage"]) {
  const others = Math.max(0, disk_bytes - free_bytes - database_bytes - wal_bytes);
  const parts = [
    ["database", words.database, database_bytes],
    ["wal", words.wal, wal_bytes],
    ["others", words.others, others],
    ["free", words.free, free_bytes],
  ] as const;
  return (
    <Card title={words.disk} aside={<span class="quiet">{bytes(disk_bytes)}</span>}>
      <div class="disk" aria-hidden="true">
        {parts.map(([kind, , size]) => (
          <span key={kind} class={kind} style={{ flexGrow: Math.max(size / disk_bytes, kind === "free" ? 0 : 0.002) }} />
        ))}
      </div>
      <dl class="disk-parts">
        {parts.map(([kind, name, size]) => (
          <div key={kind}>
            <dt>
              <i class={`swatch ${kind}`} />
              {name}
            </dt>
            <dd>{bytes(size)}</dd>
          </div>
        ))}
      </dl>
      <Facts
        rows={[
          [words.directory, <code key="directory">{directory}</code>],
          [words.stops, bytes(min_free_bytes)],
        ]}
      />
    </Card>
  );
}

function Backups({ now }: { now: Now }) {
  const { backup } = now;
  return (
    <Card title={words.backups}>
      {!backup && <p class="quiet">{words.backupUnknown}</p>}
      {backup && !backup.at && <p class="quiet">{words.backupNone}</p>}
      {backup?.at && (
        <>
          <p class="large">{words.backupAge(duration((now.now - backup.at) / 1000))}</p>
          <Facts
            rows={[
              [words.backupFile, <code key="file">{`${backup.directory}/${backup.name}`}</code>],
              [words.backupSize, bytes(backup.bytes ?? 0)],
              [words.backupAt, when(backup.at)],
            ]}
          />
        </>
      )}
      <p class="quiet">{words.make}</p>
      <Command text={`chatd backup ${backup?.directory ?? "/var/backups/chatd"}/`} label={words.copy} />
    </Card>
  );
}

function Certificate({ now }: { now: Now }) {
  const { certificate } = now;
  const ends = certificate?.ends_at;
  return (
    <Card title={words.certificate}>
      {!certificate && <p class="quiet">{words.noCertificate}</p>}
      {certificate && !ends && <p class="quiet">{words.unreadable}</p>}
      {ends && <p class="large">{words.certificateIn(duration(Math.max(0, (ends - now.now) / 1000)))}</p>}
      {certificate && (
        <Facts
          rows={[
            [words.certificateFile, <code key="file">{certificate.file}</code>],
            ...(ends ? ([[words.certificateEnds, when(ends)]] as const) : []),
          ]}
        />
      )}
    </Card>
  );
}
