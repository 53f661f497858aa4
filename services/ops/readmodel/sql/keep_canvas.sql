-- Version $2 of project $1 has the canvas that the project has now.
UPDATE version SET canvas = project.canvas FROM project
WHERE version.project = $1 AND version.version = $2 AND project.id = $1
