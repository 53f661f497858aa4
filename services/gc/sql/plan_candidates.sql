SELECT candidate FROM plan_candidate WHERE plan_id = :plan_id AND number > :after ORDER BY number LIMIT :limit
