# parts: images
# Imports the other image archives on the lead.
