UPDATE move SET found = :found WHERE intent = :intent AND found IS NULL
