# parts: images
# Loads the other image archives into the lead.
