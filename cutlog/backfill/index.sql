-- What was read of a legacy store, on disk, so that memory does not grow with it. One file per run.
CREATE TABLE project (id TEXT PRIMARY KEY, place INT NOT NULL, row BLOB NOT NULL, given TEXT NOT NULL);
CREATE TABLE video (
  id TEXT PRIMARY KEY, place INT NOT NULL, row BLOB NOT NULL, given TEXT NOT NULL,
  path TEXT, size INT, sha256 TEXT, first TEXT
);
CREATE INDEX video_content ON video (sha256, place);
CREATE TABLE operation (project TEXT NOT NULL, version INT NOT NULL, place INT NOT NULL, row BLOB NOT NULL,
  PRIMARY KEY (project, version, place)) WITHOUT ROWID;
CREATE TABLE export (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, version INT NOT NULL, place INT NOT NULL, row BLOB NOT NULL,
  given TEXT NOT NULL, path TEXT, size INT, sha256 TEXT, profile TEXT, status TEXT, key TEXT
);
CREATE INDEX export_of ON export (project, version, place);
CREATE TABLE proxy (project TEXT NOT NULL, version INT NOT NULL, path TEXT NOT NULL, size INT NOT NULL, sha256 TEXT,
  PRIMARY KEY (project, version)) WITHOUT ROWID;
CREATE TABLE oddity (file TEXT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL, done TEXT NOT NULL,
  PRIMARY KEY (file, id, what)) WITHOUT ROWID;
