DELETE FROM use WHERE project_id = ANY(:projects)
