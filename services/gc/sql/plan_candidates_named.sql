SELECT candidate FROM plan_candidate WHERE plan_id = :plan_id AND object_id = ANY(:ids)
