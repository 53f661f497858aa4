"""What routes answer, as services and clients have it. Requests are beside their routes. Pure."""
