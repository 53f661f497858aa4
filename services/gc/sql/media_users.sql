-- For each media: the projects that hold on to it, not deleted or with a pin, and when the last of the others was deleted.
SELECT media_use.media_id, max(project.deleted_at) AS left_at,
       coalesce(array_agg(project.project_id ORDER BY project.project_id) FILTER (
         WHERE project.deleted_at IS NULL
            OR EXISTS (SELECT FROM pins_in_force(now()) AS pin WHERE pin.project_id = project.project_id)
       ), '{}') AS holding
FROM media_use JOIN project USING (project_id)
WHERE media_use.media_id = ANY(:ids) GROUP BY media_use.media_id
