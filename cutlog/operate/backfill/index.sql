-- What was read of a legacy store, on disk, so that memory does not grow with it. One file per run.
-- `passed` of a project: this run leaves it as it is here.
-- `film` of a project: the video that it begins as.
-- `counted` of a video: its uploads were counted by this run.
-- `rehearsed` of a video: what a dry run found in its file.
-- `with_them` of a version that is kept: how many of its ops are only kept with others, which are in `kept_op`.
-- `placed` of a file: 1 once it may be in the store, 2 once ops knows of it, 3 if it was there before.
CREATE TABLE project (
  id TEXT PRIMARY KEY, place INT NOT NULL, row BLOB NOT NULL, given TEXT NOT NULL,
  film TEXT, passed INT NOT NULL DEFAULT 0, began INT NOT NULL DEFAULT 0, touched INT NOT NULL DEFAULT 0, landed INT
);
CREATE TABLE video (
  id TEXT PRIMARY KEY, place INT NOT NULL, row BLOB NOT NULL, given TEXT NOT NULL,
  path TEXT, size INT, sha256 TEXT, first TEXT, taken TEXT, added INT NOT NULL DEFAULT 0, counted INT NOT NULL DEFAULT 0,
  rehearsed BLOB
);
CREATE INDEX video_content ON video (sha256, place);
CREATE TABLE operation (project TEXT NOT NULL, version INT NOT NULL, place INT NOT NULL, row BLOB NOT NULL,
  PRIMARY KEY (project, version, place)) WITHOUT ROWID;
CREATE TABLE export (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, version INT NOT NULL, place INT NOT NULL, row BLOB NOT NULL,
  given TEXT NOT NULL, path TEXT, size INT, sha256 TEXT, profile TEXT, status TEXT, key TEXT, placed INT NOT NULL DEFAULT 0
);
CREATE INDEX export_of ON export (project, version, place);
CREATE TABLE proxy (project TEXT NOT NULL, version INT NOT NULL, path TEXT NOT NULL, size INT NOT NULL, sha256 TEXT,
  placed INT NOT NULL DEFAULT 0, PRIMARY KEY (project, version)) WITHOUT ROWID;
CREATE TABLE unreadable (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE field (file TEXT NOT NULL, name TEXT NOT NULL, kept INT NOT NULL, rows INT NOT NULL,
  PRIMARY KEY (file, name, kept)) WITHOUT ROWID;
CREATE TABLE kept (project TEXT NOT NULL, version INT NOT NULL, why TEXT NOT NULL, live INT NOT NULL DEFAULT 0,
  with_them INT NOT NULL DEFAULT 0, PRIMARY KEY (project, version)) WITHOUT ROWID;
CREATE TABLE kept_op (project TEXT NOT NULL, version INT NOT NULL, place INT NOT NULL, kind TEXT NOT NULL,
  why TEXT NOT NULL, op BLOB NOT NULL, PRIMARY KEY (project, version, place)) WITHOUT ROWID;
CREATE INDEX kept_kind ON kept_op (kind);
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE oddity (file TEXT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL, done TEXT NOT NULL,
  PRIMARY KEY (file, id, what)) WITHOUT ROWID;
