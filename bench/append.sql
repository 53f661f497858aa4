-- One ordered append per transaction: the head row gives the position, the event takes it.
WITH given AS (UPDATE bench.head SET position = position + 1 RETURNING position)
INSERT INTO bench.event (position, stream, version, id, type, data, meta, at)
SELECT position, 'project.p' || :client_id, position::int, gen_random_uuid(), 'VersionCommitted',
       '{"version": 1,"ops": [{"op": "clip.set","clip": "c1","gainDb": -3}],"duration": 1000,"digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","message": null,"mediaAdded": [],"mediaRemoved": []}',
       '{"tenant": "default","actor": "editor","trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}',
       clock_timestamp()
FROM given;
